"""A task as its answerer, its judge and its dataset row see it."""


def user_text(instruction: str, given: str) -> str:
    """The instruction, and the input after a blank line where there is one."""
    return f"{instruction}\n\n{given}" if given else instruction
