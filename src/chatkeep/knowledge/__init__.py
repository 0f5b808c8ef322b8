"""Documents in, passages out: how a site's own pages become sources for answers.

Adding: ``read`` (bytes to clean text), ``markdown`` (text to sections), ``split``
(sections to passages). Asking: ``question`` (words to concepts), ``search`` (concepts to
ranked passages), ``relevance`` (does a passage speak of them?). The rows are
``store/documents.py``'s.
"""
