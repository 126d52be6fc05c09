"""What could be a secret is not printed, in no format."""

from tocsin.document import read_documents, shown_texts

TEXT = """\
apiVersion: tocsin/v1
kind: Notifications
name: n
channels:
  mail: {email: {smtp: {host: smtp.example, port: 99999, password: "hunter2"}, to: [o@example.org]}}
  chat: {slack: {webhook: https://hooks.example/SECRET, tokn: "xoxb"}}
  any: {apprise: {env: APPRISE_URL, default: "mailtos://user:pass@example.org"}, rate: 20/m, fallback: mail}
  am: {alertmanager: {urls: ["https://u:b4s1c@am.example"]}}
routes: [{match: {}, to: [mail]}]
"""


def test_secrets_are_starred_out() -> None:
    """Values of settings that may be secrets, misspelt ones too; what helps to see a mistake stays."""
    documents, _ = read_documents("n.yaml", TEXT)
    shown = shown_texts(documents, {"n.yaml": TEXT})["n.yaml"]

    assert len(TEXT) == len(shown)
    for secret in ("hunter2", "SECRET", "xoxb", "user:pass", "b4s1c"):
        assert secret not in shown
    for harmless in ("smtp.example", "99999", "o@example.org", "APPRISE_URL", "to: [mail]", "20/m", "fallback: mail"):
        assert harmless in shown
