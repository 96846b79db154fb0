"""C++ and CUDA files of OLD and of the target, told apart by tokens: nothing is preprocessed or compiled."""
