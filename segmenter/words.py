"""Numbers in sentences."""


def counted(count: int, noun: str) -> str:
    """Put a number before its noun: "1 image", "12 images"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
