def assert_allclose(*args, **kwargs):
    pass
