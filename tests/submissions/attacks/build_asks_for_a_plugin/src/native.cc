// None of these does more than be ignored; the last one fails.
#pragma GCC optimize("-fplugin=./evil.so")
#pragma GCC optimize("fplugin=./evil.so")
#pragma GCC optimize("-fprofile-use=@SECRET@")
#pragma GCC system_header
__attribute__((optimize("-wrapper", "/bin/sh,-c,touch @EMPTY@/ran"))) int nothing() { return 0; }
int wrong = undeclared;
#pragma GCC pch_preprocess "@SECRET@"
