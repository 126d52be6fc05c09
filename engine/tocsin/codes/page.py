"""The form of a manual page."""


def page(rule: str, why: str, bad: str, good: str) -> str:
    """Four paragraphs: the rule in one sentence, why, and an example of each side."""
    return f"{rule}\n\n{why}\n\nBad: {bad}\n\nGood: {good}"
