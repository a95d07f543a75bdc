"""Views of replies that several families compare by."""

from support.resp import Simple, Verbatim


def help_title(reply):
    """Help texts are prose; their shape (status lines, a title naming the command) is not."""
    assert isinstance(reply, list) and all(isinstance(line, Simple) for line in reply), reply
    return reply[0]


def wire_kind(reply):
    """The wire type of prose: its verbatim format in RESP3, else the reply's type."""
    return reply.kind if isinstance(reply, Verbatim) else type(reply).__name__
