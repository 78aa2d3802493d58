/*
 * A PKCS#11 module that misbehaves on order. The library parameters say how: "crash:C_FindObjectsInit", "hang:C_GetTokenInfo",
 * "sleep:C_GenerateRandom" (one second), "fail:C_Initialize" (CKR_FUNCTION_FAILED), "print:C_Login", or "" for a good, empty token.
 * It has one slot with a token labelled "bad" (serial BAD1, model: the parameters), takes the PIN 1234, and finds no objects.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pkcs11.h"

static char parameters[256];
static CK_FLAGS initialise_flags;

static CK_RV misbehave(const char *call) {
  const char *colon = strchr(parameters, ':');
  if (colon == NULL || strcmp(colon + 1, call) != 0) return CKR_OK;
  if (strncmp(parameters, "crash", 5) == 0) {
    fprintf(stderr, "bad module: crashing in %s\n", call);
    raise(SIGSEGV);
  }
  if (strncmp(parameters, "hang", 4) == 0) for (;;) pause();
  if (strncmp(parameters, "sleep", 5) == 0) sleep(1);
  if (strncmp(parameters, "print", 5) == 0) { printf("{\"noise\":true}\n"); fflush(stdout); }
  return strncmp(parameters, "fail", 4) == 0 ? CKR_FUNCTION_FAILED : CKR_OK;
}
#define START(call) do { CK_RV rv = misbehave(#call); if (rv != CKR_OK) return rv; } while (0)

static CK_RV unsupported(void) { return CKR_FUNCTION_NOT_SUPPORTED; }

/* Modules that take parameters read them from the field after the standard's (as NSS does). */
struct arguments { void *create, *destroy, *lock, *unlock; CK_FLAGS flags; char *parameters; void *reserved; };

static CK_RV initialize(CK_VOID_PTR pointer) {
  struct arguments *arguments = pointer;
  if (arguments != NULL) initialise_flags = arguments->flags;
  if (arguments != NULL && arguments->parameters != NULL) strncpy(parameters, arguments->parameters, sizeof parameters - 1);
  START(C_Initialize);
  return (initialise_flags & CKF_OS_LOCKING_OK) != 0 ? CKR_OK : CKR_CANT_LOCK;
}
static CK_RV finalize(CK_VOID_PTR reserved) { START(C_Finalize); return CKR_OK; }

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
  START(C_GetSlotList);
  if (slots != NULL) slots[0] = 7;
  *count = 1;
  return CKR_OK;
}
static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info) {
  memset(info, 0, sizeof *info);
  info->flags = CKF_TOKEN_PRESENT | CKF_HW_SLOT;
  return CKR_OK;
}
static void pad(unsigned char *field, size_t size, const char *text) {
  memset(field, ' ', size);
  size_t length = strlen(text);
  memcpy(field, text, length < size ? length : size);
}
static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  START(C_GetTokenInfo);
  memset(info, 0, sizeof *info);
  pad(info->label, sizeof info->label, "bad");
  pad(info->serialNumber, sizeof info->serialNumber, "BAD1");
  pad(info->manufacturerID, sizeof info->manufacturerID, "tests");
  /* The end of the parameters: long enough to see whether they arrived whole. */
  size_t length = strlen(parameters);
  pad(info->model, sizeof info->model, length > 16 ? parameters + length - 16 : parameters);
  info->flags = CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
  return CKR_OK;
}
static CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count) { *count = 0; return CKR_OK; }
static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR data, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session) {
  static CK_SESSION_HANDLE next = 1;
  START(C_OpenSession);
  *session = next++;
  return CKR_OK;
}
static CK_RV close_session(CK_SESSION_HANDLE session) { return CKR_OK; }
static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  START(C_Login);
  return length == 4 && memcmp(pin, "1234", 4) == 0 ? CKR_OK : CKR_PIN_INCORRECT;
}
static CK_RV logout(CK_SESSION_HANDLE session) { START(C_Logout); return CKR_OK; }
static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR template, CK_ULONG count) { START(C_FindObjectsInit); return CKR_OK; }
static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG most, CK_ULONG_PTR count) {
  START(C_FindObjects);
  *count = 0;
  return CKR_OK;
}
static CK_RV find_final(CK_SESSION_HANDLE session) { return CKR_OK; }
static CK_RV generate_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR template, CK_ULONG count,
                          CK_OBJECT_HANDLE_PTR key) {
  START(C_GenerateKey);
  return CKR_MECHANISM_INVALID;
}
static CK_RV generate_random(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length) {
  START(C_GenerateRandom);
  memset(data, 4, length);
  return CKR_OK;
}

#define CK_PKCS11_FUNCTION_INFO(name) (CK_##name)unsupported,
static CK_FUNCTION_LIST functions = {{2, 40},
#include "pkcs11f.h"
};
#undef CK_PKCS11_FUNCTION_INFO

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  functions.C_Initialize = initialize;
  functions.C_Finalize = finalize;
  functions.C_GetSlotList = get_slot_list;
  functions.C_GetSlotInfo = get_slot_info;
  functions.C_GetTokenInfo = get_token_info;
  functions.C_GetMechanismList = get_mechanism_list;
  functions.C_OpenSession = open_session;
  functions.C_CloseSession = close_session;
  functions.C_Login = login;
  functions.C_Logout = logout;
  functions.C_FindObjectsInit = find_init;
  functions.C_FindObjects = find;
  functions.C_FindObjectsFinal = find_final;
  functions.C_GenerateKey = generate_key;
  functions.C_GenerateRandom = generate_random;
  *list = &functions;
  return CKR_OK;
}
