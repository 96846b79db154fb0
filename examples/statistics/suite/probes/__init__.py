"""The probes of `statistics`: all that ever touches a submission. They run beside it, in the worker."""


def load():
    """Import the submission; what every probe gets as its first argument."""
    import stats

    return stats


def device(stats, name):
    """The device of that name; what a probe gets as its second argument. Here there is but one, and it is a name."""
    return name
