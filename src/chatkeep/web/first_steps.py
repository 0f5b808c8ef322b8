"""How does somebody begin with the admin API? Steps that run when they are pasted into a shell, one after the other.

The reference page shows them, docs/how-to/administer-by-api.md too; tests run both.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: its name, what to know, and the commands (bash, curl and sed)."""

    name: str
    text: str
    commands: str


_JSON = "-H 'Content-Type: application/json'"
_AS_ME = '-H "Authorization: Bearer $TOKEN" ' + _JSON

# One text of an answer; the whole answer, as an error, where it has none.
_FIELD = (
    r"""field() { local all found; all=$(cat); found=$(sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<< "$all")""" + "\n"
    r"""  if [ -n "$found" ]; then printf '%s\n' "$found"; else printf '%s\n' "$all" >&2; fi; }""" + "\n"
)

_STEPS = (
    Step(
        "Say who you are",
        "The first user and the organization come from the link that `chatkeep serve` prints, or `chatkeep orgs create` and `chatkeep users create`. "
        "Write your own address; the last line waits for your password.",
        "CHATKEEP=GATEWAY\nEMAIL=alice@shop.example\n" + _FIELD + "printf 'Password: '; read -rs PASSWORD",
    ),
    Step(
        "Sign in",
        "`TOKEN` holds for 15 minutes; then do this step again.",
        f'TOKEN=$(curl -s "$CHATKEEP/api/admin/auth/token" {_JSON} \\\n'
        '  -d \'{"email": "\'"$EMAIL"\'", "password": "\'"$PASSWORD"\'"}\' | field access_token)\n'
        'curl "$CHATKEEP/api/admin/auth/me" -H "Authorization: Bearer $TOKEN"',
    ),
    Step(
        "Invite a member",
        "A mail goes out if the gateway sends mail; in development it lies in `mail/` in the data folder.",
        f'curl -X POST "$CHATKEEP/api/admin/invitations" {_AS_ME} \\\n  -d \'{{"email": "bob@shop.example", "role": "analyst"}}\'',
    ),
    Step(
        "Make a key for a program",
        "Its secret is shown this once. A program sends it where you send `TOKEN`, and it does not end after 15 minutes.",
        f'KEY=$(curl -s -X POST "$CHATKEEP/api/admin/api-keys" {_AS_ME} \\\n'
        '  -d \'{"name": "Nightly export", "scopes": ["widgets:read", "conversations:read"]}\' | field api_key)\n'
        'curl "$CHATKEEP/api/admin/widgets" -H "Authorization: Bearer $KEY"',
    ),
    Step(
        "Bring a model",
        'Any server with OpenAI\'s API. Without one, leave this step out, and `"\'"$PROVIDER_ID"\'", ` in the next: answers then come from your documents.',
        f'PROVIDER_ID=$(curl -s -X POST "$CHATKEEP/api/admin/providers" {_AS_ME} \\\n'
        '  -d \'{"name": "Our account", "base_url": "https://api.openai.com/v1", "model": "gpt-5-mini", "api_key": "the-key-from-your-account"}\''
        " | field provider_id)\n"
        'curl -X POST "$CHATKEEP/api/admin/providers/$PROVIDER_ID/test" -H "Authorization: Bearer $TOKEN"',
    ),
    Step(
        "Make an agent",
        "It asks its providers in order until one answers. `warnings` says what still keeps it from answering.",
        f'AGENT_ID=$(curl -s -X POST "$CHATKEEP/api/admin/agents" {_AS_ME} \\\n'
        '  -d \'{"name": "Shop assistant", "providers": ["\'"$PROVIDER_ID"\'", "knowledge"]}\' | field agent_id)\n'
        'curl "$CHATKEEP/api/admin/agents/$AGENT_ID" -H "Authorization: Bearer $TOKEN"',
    ),
    Step(
        "Make a widget, and get its tag",
        "Name your own site. The tag goes into its pages.",
        f'WIDGET_ID=$(curl -s -X POST "$CHATKEEP/api/admin/widgets" {_AS_ME} \\\n'
        '  -d \'{"widget_name": "Help", "allowed_domains": ["shop.example"], "agent_id": "\'"$AGENT_ID"\'"}\' | field widget_id)\n'
        'curl "$CHATKEEP/api/admin/widgets/$WIDGET_ID/embed" -H "Authorization: Bearer $TOKEN"',
    ),
    Step(
        "Chat through it",
        "As the widget does on a page of `https://shop.example`, to see that all of it works.",
        f"SESSION_TOKEN=$(curl -s \"$CHATKEEP/api/sessions\" -H 'Origin: https://shop.example' {_JSON} \\\n"
        '  -d \'{"widget_id": "\'"$WIDGET_ID"\'"}\' | field session_token)\n'
        f'curl "$CHATKEEP/api/chat" -H \'Origin: https://shop.example\' -H "Authorization: Bearer $SESSION_TOKEN" {_JSON} \\\n'
        '  -d \'{"message": "How long does shipping take?"}\'',
    ),
)


def first_steps(gateway: str) -> tuple[Step, ...]:
    """From a new gateway at *gateway* to an answer."""
    return tuple(replace(step, commands=step.commands.replace("GATEWAY", gateway)) for step in _STEPS)
