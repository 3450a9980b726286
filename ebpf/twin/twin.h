/* The C twin: what ebpf/syscall.py, ebpf/core/owner.py and ebpf/btf/reader.py do in Python, faster. Each function
 * here has its twin there, and the same tests run over both. Nothing here may know more than they do. */
#ifndef EBPF_TWIN_H
#define EBPF_TWIN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_bpf
#error "the C library's headers are older than bpf(2)"
#endif

/* bpf(2) itself: its result, or the negated errno. */
static inline long twin_bpf(long command, void *attr, size_t size)
{
	long result = syscall(__NR_bpf, command, attr, size);

	return result >= 0 ? result : -(long)errno;
}

PyObject *twin_attempt(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *twin_try_calls(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *twin_btf_walk(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *twin_btf_select(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *twin_btf_strings(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *twin_dict_of(PyObject *module, PyObject *args);
int twin_add_elements(PyObject *module);

#if PY_VERSION_HEX < 0x030a0000
static inline PyObject *Py_NewRef(PyObject *object)
{
	Py_INCREF(object);
	return object;
}
#endif
PyObject *twin_ring_take(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
