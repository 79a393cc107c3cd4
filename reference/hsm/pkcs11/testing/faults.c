/*
 * A PKCS#11 module in front of another one, for tests: it does what the device behind it never does when it is asked to.
 *
 * STRONGROOM_FAULTS_MODULE is the path of the module behind it. STRONGROOM_FAULTS is that of a file with one line, which
 * is read at every call:
 *
 *   <number> <function> <nth> <action> [<value>]
 *
 * The number is another one for every new line, and calls are counted from when it was first seen. The function is a name,
 * a name and the mechanism that it is about (C_GetMechanismInfo:1087, hexadecimal), or * for any; nth 0 is every call.
 * Actions: kill-before, kill-after, return <value>, flags <value> (of a token), garble (what comes out), sleep <milliseconds>
 * (after the call).
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkcs11.h"

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST_PTR behind;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

enum action { NONE, KILL_BEFORE, KILL_AFTER, RETURN, FLAGS, GARBLE, SLEEP };
struct fault {
  enum action action;
  unsigned long value;
};

static struct fault fault_of(const char *function, unsigned long about) {
  static long seen = -1;
  static long count = 0;
  static const char *names[] = {"none", "kill-before", "kill-after", "return", "flags", "garble", "sleep"};
  struct fault fault = {NONE, 0};
  char wanted[64], action[32], specific[96];
  long number, nth;
  unsigned long value = 0;
  pthread_mutex_lock(&mutex);
  FILE *file = fopen(getenv("STRONGROOM_FAULTS"), "r");
  int fields = file ? fscanf(file, "%ld %63s %ld %31s %lx", &number, wanted, &nth, action, &value) : 0;
  if (file) fclose(file);
  if (fields >= 4) {
    if (number != seen) count = 0;
    seen = number;
    snprintf(specific, sizeof specific, "%s:%lx", function, about);
    if (!strcmp(wanted, "*") || !strcmp(wanted, function) || !strcmp(wanted, specific)) {
      count++;
      if (nth == 0 || nth == count)
        for (int i = 0; i <= SLEEP; i++)
          if (!strcmp(action, names[i])) fault.action = i;
    }
  }
  pthread_mutex_unlock(&mutex);
  fault.value = value;
  if (fault.action == KILL_BEFORE) raise(SIGKILL);
  return fault;
}

static CK_RV after(struct fault fault, CK_RV result) {
  if (fault.action == KILL_AFTER) raise(SIGKILL);
  if (fault.action == SLEEP) usleep(fault.value * 1000);
  return result;
}

#define WRAP(name, about, parameters, arguments)                     \
  static CK_RV name##_faulty parameters {                            \
    struct fault fault = fault_of(#name, about);                     \
    if (fault.action == RETURN) return fault.value;                  \
    return after(fault, behind->name arguments);                     \
  }

typedef CK_SESSION_HANDLE S;
typedef CK_OBJECT_HANDLE O;
WRAP(C_OpenSession, 0, (CK_SLOT_ID a, CK_FLAGS b, CK_VOID_PTR c, CK_NOTIFY d, CK_SESSION_HANDLE_PTR e), (a, b, c, d, e))
WRAP(C_Login, 0, (S a, CK_USER_TYPE b, CK_UTF8CHAR_PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_GetMechanismInfo, type, (CK_SLOT_ID a, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR c), (a, type, c))
WRAP(C_FindObjectsInit, 0, (S a, CK_ATTRIBUTE_PTR b, CK_ULONG c), (a, b, c))
WRAP(C_FindObjects, 0, (S a, CK_OBJECT_HANDLE_PTR b, CK_ULONG c, CK_ULONG_PTR d), (a, b, c, d))
WRAP(C_GetAttributeValue, c->type, (S a, O b, CK_ATTRIBUTE_PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_SetAttributeValue, c->type, (S a, O b, CK_ATTRIBUTE_PTR c, CK_ULONG d), (a, b, c, d))
WRAP(C_CreateObject, 0, (S a, CK_ATTRIBUTE_PTR b, CK_ULONG c, CK_OBJECT_HANDLE_PTR d), (a, b, c, d))
WRAP(C_DestroyObject, 0, (S a, O b), (a, b))
WRAP(C_SignInit, b->mechanism, (S a, CK_MECHANISM_PTR b, O c), (a, b, c))
WRAP(C_EncryptInit, b->mechanism, (S a, CK_MECHANISM_PTR b, O c), (a, b, c))
WRAP(C_DecryptInit, b->mechanism, (S a, CK_MECHANISM_PTR b, O c), (a, b, c))
WRAP(C_DeriveKey, b->mechanism, (S a, CK_MECHANISM_PTR b, O c, CK_ATTRIBUTE_PTR d, CK_ULONG e, CK_OBJECT_HANDLE_PTR f),
     (a, b, c, d, e, f))

static CK_RV C_GetTokenInfo_faulty(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  struct fault fault = fault_of("C_GetTokenInfo", 0);
  if (fault.action == RETURN) return fault.value;
  CK_RV result = behind->C_GetTokenInfo(slot, info);
  if (fault.action == FLAGS) info->flags |= fault.value;
  return after(fault, result);
}

#define WRAP_OUTPUT(name)                                                                                     \
  static CK_RV name##_faulty(S session, CK_BYTE_PTR in, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR size) { \
    struct fault fault = fault_of(#name, 0);                                                                  \
    if (fault.action == RETURN) return fault.value;                                                           \
    CK_RV result = behind->name(session, in, length, out, size);                                              \
    if (fault.action == GARBLE && out && result == CKR_OK) out[*size / 2] ^= 1;                               \
    return after(fault, result);                                                                              \
  }
WRAP_OUTPUT(C_Sign)
WRAP_OUTPUT(C_Encrypt)
WRAP_OUTPUT(C_Decrypt)

static CK_RV C_GenerateRandom_faulty(S session, CK_BYTE_PTR out, CK_ULONG length) {
  struct fault fault = fault_of("C_GenerateRandom", 0);
  if (fault.action == RETURN) return fault.value;
  CK_RV result = behind->C_GenerateRandom(session, out, length);
  if (fault.action == GARBLE) memset(out, 7, length);
  return after(fault, result);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out) {
  if (!behind) {
    void *module = dlopen(getenv("STRONGROOM_FAULTS_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (!module) return CKR_GENERAL_ERROR;
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    if (!get || get(&behind) != CKR_OK) return CKR_GENERAL_ERROR;
    list = *behind;
#define TAKE(name) list.name = name##_faulty
    TAKE(C_OpenSession), TAKE(C_Login), TAKE(C_GetTokenInfo), TAKE(C_GetMechanismInfo), TAKE(C_FindObjectsInit);
    TAKE(C_FindObjects), TAKE(C_GetAttributeValue), TAKE(C_SetAttributeValue), TAKE(C_CreateObject);
    TAKE(C_DestroyObject), TAKE(C_SignInit), TAKE(C_EncryptInit), TAKE(C_DecryptInit), TAKE(C_DeriveKey);
    TAKE(C_Sign), TAKE(C_Encrypt), TAKE(C_Decrypt), TAKE(C_GenerateRandom);
  }
  *out = &list;
  return CKR_OK;
}
