/* ebpf._twin: optional. Without it everything works, through ctypes. */
#include "twin.h"

#define FAST(name, function) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}

static PyMethodDef functions[] = {
	FAST("attempt", twin_attempt),
	FAST("try_calls", twin_try_calls),
	FAST("btf_walk", twin_btf_walk),
	FAST("btf_select", twin_btf_select),
	FAST("btf_strings", twin_btf_strings),
	FAST("ring_take", twin_ring_take),
	{"dict_of", twin_dict_of, METH_VARARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, twin_add_elements},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
	{Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
	{0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "ebpf._twin",
	.m_doc = "The fast path of ebpf.syscall, ebpf.core.owner and ebpf.btf, in C.",
	.m_size = 0,
	.m_methods = functions,
	.m_slots = slots,
};

PyMODINIT_FUNC PyInit__twin(void)
{
	return PyModuleDef_Init(&definition);
}
