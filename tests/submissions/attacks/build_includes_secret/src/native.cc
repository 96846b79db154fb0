// As #include "/etc/shadow", whose lines are then in the error message.
#include "@SECRET@"
