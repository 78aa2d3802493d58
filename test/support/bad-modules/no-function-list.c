/* A shared library that is no PKCS#11 module. */
int keyferry_is_not_here(void) { return 0; }
