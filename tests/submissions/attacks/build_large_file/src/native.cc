// More than a file of a build may hold.
char filler[600 << 20] = {1};
