def assert_close(*args, **kwargs):
    pass
