// 23 GB of assembler in one line.
asm(".data\n.rept 1000000000\n.quad 1\n.endr");
