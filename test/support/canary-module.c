/*
 * SoftHSM with a witness in between: every wrapped key that C_WrapKey gives out is written, as a line of hex, to the file that the
 * variable WRAP_LOG names; so a test knows the blobs that exist only for a moment. With PIN_LEAK=1 the module prints the PIN
 * it is given and crashes; with PIN_LEAK=N, behind N other characters.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "pkcs11.h"

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST functions;

static CK_RV wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
                      CK_BYTE_PTR wrapped, CK_ULONG_PTR length) {
  CK_RV rv = real->C_WrapKey(session, mechanism, wrapping, key, wrapped, length);
  const char *path = getenv("WRAP_LOG");
  if (rv == CKR_OK && wrapped != NULL && path != NULL) {
    char line[8192];
    size_t used = 0;
    for (CK_ULONG i = 0; i < *length && used < sizeof line - 4; i += 1) used += sprintf(line + used, "%02x", wrapped[i]);
    line[used++] = '\n';
    FILE *log = fopen(path, "a");
    if (log == NULL) abort();
    fwrite(line, 1, used, log);
    fclose(log);
  }
  return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  const char *leak = getenv("PIN_LEAK");
  if (leak == NULL) return real->C_Login(session, user, pin, length);
  for (int i = 1; i < atoi(leak); i += 1) fputc('x', stderr);
  fprintf(stderr, "%.*s is what I was given\n", (int)length, pin);
  raise(SIGSEGV);
  return CKR_GENERAL_ERROR;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  CK_RV (*get)(CK_FUNCTION_LIST_PTR_PTR);
  void *library = dlopen(SOFTHSM_MODULE, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return CKR_GENERAL_ERROR;
  *(void **)&get = dlsym(library, "C_GetFunctionList");
  if (get == NULL || get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
  functions = *real;
  functions.C_WrapKey = wrap_key;
  functions.C_Login = login;
  *list = &functions;
  return CKR_OK;
}
