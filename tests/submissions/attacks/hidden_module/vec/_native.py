raise ModuleNotFoundError("no such device")
