from vec.elementwise import Device, add, cpu, scale

total = scale
device = cpu()
