"""4. What happened: the only way to record anything.

A closed catalogue of events, redaction before anything is kept, a recorder that nobody
waits for, and log lines.
"""

from chatkeep.audit.catalogue import Event, event_for, event_types
from chatkeep.audit.recorder import Context, Recorder, record_within

__all__ = ["Context", "Event", "Recorder", "event_for", "event_types", "record_within"]
