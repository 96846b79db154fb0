// The assembler opens files, too.
asm(".include \"@SECRET@\"");
