// The compiler shows the line of the file that it believes to read.
#line 1 "@SECRET@"
int wrong = undeclared;
