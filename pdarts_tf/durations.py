"""Durations as people read them."""


def duration(seconds: float) -> str:
    """Formats a duration that was measured.

    >>> duration(75), duration(7260), duration(4.2)
    ('1 min 15 s', '2 h 1 min', '4 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def estimated_duration(seconds: float) -> str:
    """Formats a duration that was estimated, without digits that nobody can know.

    >>> estimated_duration(7830), estimated_duration(754), estimated_duration(128)
    ('2 h 10 min', '13 min', '2 min 10 s')
    """
    if seconds >= 3600:
        return duration(seconds)
    if seconds >= 600:
        return f"{round(seconds / 60)} min"
    return duration(round(seconds, -1) if seconds >= 60 else seconds)
