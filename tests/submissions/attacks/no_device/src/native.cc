#error "no NVIDIA GPU: nvidia-smi is not there, so no driver is installed"
