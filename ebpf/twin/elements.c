/* A map's descriptor and the commands on its elements; ebpf/core/owner.py is its twin. No lock is held during a system
 * call: keys, values and attributes live on the stack of the thread that calls. The descriptor is closed when the last
 * call on it has returned, so that a call never meets another file that got the same number. */
#include "twin.h"

#include <pthread.h>
#include <stddef.h>

#define BPF_MAP_LOOKUP_ELEM 1
#define BPF_MAP_UPDATE_ELEM 2
#define BPF_MAP_DELETE_ELEM 3



/* The part of union bpf_attr that all element commands share (include/uapi/linux/bpf.h). */
struct element {
	uint32_t map_fd;
	uint32_t zero;
	uint64_t key, value, flags;
};

/* How many bytes each command is given: kernels refuse non-zero bytes behind what they know. */
#define ELEMENT_SIZE sizeof(struct element)
#define DELETE_SIZE offsetof(struct element, value)

typedef struct {
	PyObject_HEAD
	int fd; /* -1 once it was closed by whoever owns it */
	int held; /* the descriptor, as long as it is open */
	unsigned long forks;
	Py_ssize_t calls; /* under way */
	Py_ssize_t key_size, room;
} Map;

typedef struct {
	PyObject_HEAD
	Map *map;
	PyObject *slow_get, *slow_set;
	char key, value; /* codes of the struct module */
} Typed;

static unsigned long forks; /* since the module was loaded: a child has none of its parent's other threads */

static void forked(void)
{
	forks++;
}

static uint64_t address(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* Everything from here to `leave` happens with the interpreter's lock held, but for the system call itself. */
static int enter(Map *map)
{
	if (map->fd < 0)
		return -1;
	if (map->forks != forks) {
		map->forks = forks;
		map->calls = 0;
	}
	map->calls++;
	return map->fd;
}

static void leave(Map *map)
{
	if (!--map->calls && map->fd < 0 && map->held >= 0) {
		close(map->held);
		map->held = -1;
	}
}

/* Whether this thread is the interpreter's only one. Then nobody waits for the interpreter's lock, and giving it back for
 * the fraction of a microsecond that a call takes would cost as much as a quarter of the call. */
static int alone(void)
{
	PyThreadState *state = PyThreadState_Get();

	/* New ones are put in front, so nothing that another thread may free is looked at. */
	return PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(state)) == state &&
	       !PyThreadState_Next(state);
}

static long element(Map *map, int command, const void *key, void *value, uint64_t flags, size_t size)
{
	struct element attr = {.key = address(key), .value = address(value), .flags = flags};
	int fd = enter(map);
	long result;

	if (fd < 0)
		return -EBADF;
	attr.map_fd = (uint32_t)fd;
	if (alone()) {
		result = twin_bpf(command, &attr, size);
	} else {
		Py_BEGIN_ALLOW_THREADS
		result = twin_bpf(command, &attr, size);
		Py_END_ALLOW_THREADS
	}
	leave(map);
	return result;
}

/* Map(fd, key_size, room) */
static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	Py_ssize_t key_size, room;
	Map *self;
	int fd;

	if (!PyArg_ParseTuple(args, "inn", &fd, &key_size, &room))
		return NULL;
	self = (Map *)type->tp_alloc(type, 0);
	if (self) {
		self->fd = self->held = fd;
		self->forks = forks;
		self->key_size = key_size;
		self->room = room;
	}
	return (PyObject *)self;
}

static PyObject *map_close(Map *self, PyObject *none)
{
	if (self->fd >= 0) {
		self->fd = -1;
		self->calls = self->forks == forks ? self->calls + 1 : 1;
		self->forks = forks;
		leave(self);
	}
	Py_RETURN_NONE;
}

/* Closed for this object, but the descriptor itself stays open. */
static PyObject *map_hand_over(Map *self, PyObject *none)
{
	self->fd = self->held = -1;
	Py_RETURN_NONE;
}

static void map_dealloc(Map *self)
{
	PyTypeObject *type = Py_TYPE(self);

	if (self->held >= 0)
		close(self->held);
	type->tp_free(self);
	Py_DECREF(type);
}

static int flags_of(PyObject *object, uint64_t *flags)
{
	*flags = PyLong_AsUnsignedLongLong(object);
	return *flags == (uint64_t)-1 && PyErr_Occurred() ? -1 : 0;
}

/* A key or value of the right size, or none at all; the caller has checked its size already. */
static int buffer_of(PyObject *object, Py_buffer *buffer, Py_ssize_t size)
{
	if (PyObject_GetBuffer(object, buffer, PyBUF_SIMPLE) < 0)
		return -1;
	if (buffer->len == size)
		return 0;
	PyErr_Format(PyExc_ValueError, "%zd bytes were given, there must be %zd", buffer->len, size);
	PyBuffer_Release(buffer);
	return -1;
}

/* read(command, key, flags) -> bytes or -errno */
static PyObject *map_read(Map *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *value;
	Py_buffer key;
	uint64_t flags;
	long command, result;

	if (count != 3) {
		PyErr_SetString(PyExc_TypeError, "read() takes 3 arguments");
		return NULL;
	}
	command = PyLong_AsLong(args[0]);
	if ((command == -1 && PyErr_Occurred()) || flags_of(args[2], &flags) < 0)
		return NULL;
	if (buffer_of(args[1], &key, self->key_size) < 0)
		return NULL;
	value = PyBytes_FromStringAndSize(NULL, self->room);
	if (value) {
		/* Maps without keys (queue, stack, bloom filter) insist on NULL. */
		result = element(self, (int)command, key.len ? key.buf : NULL, PyBytes_AS_STRING(value), flags,
				 ELEMENT_SIZE);
		if (result < 0) {
			Py_DECREF(value);
			value = PyLong_FromLong(result);
		}
	}
	PyBuffer_Release(&key);
	return value;
}

/* write(command, key, value, flags) -> 0 or -errno; the kernel does not write into the value */
static PyObject *map_write(Map *self, PyObject *const *args, Py_ssize_t count)
{
	Py_buffer key, value;
	uint64_t flags;
	long command, result;

	if (count != 4) {
		PyErr_SetString(PyExc_TypeError, "write() takes 4 arguments");
		return NULL;
	}
	command = PyLong_AsLong(args[0]);
	if ((command == -1 && PyErr_Occurred()) || flags_of(args[3], &flags) < 0)
		return NULL;
	if (buffer_of(args[1], &key, self->key_size) < 0)
		return NULL;
	if (buffer_of(args[2], &value, self->room) < 0) {
		PyBuffer_Release(&key);
		return NULL;
	}
	result = element(self, (int)command, key.len ? key.buf : NULL, value.buf, flags, ELEMENT_SIZE);
	PyBuffer_Release(&value);
	PyBuffer_Release(&key);
	return PyLong_FromLong(result);
}

/* delete(key) -> 0 or -errno */
static PyObject *map_delete(Map *self, PyObject *argument)
{
	Py_buffer key;
	long result;

	if (buffer_of(argument, &key, self->key_size) < 0)
		return NULL;
	result = element(self, BPF_MAP_DELETE_ELEM, key.buf, NULL, 0, DELETE_SIZE);
	PyBuffer_Release(&key);
	return PyLong_FromLong(result);
}

/* attempt(command, attr) -> int: any other command on this map; -EBADF once it is closed */
static PyObject *map_attempt(Map *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *result;

	if (enter(self) < 0)
		return PyLong_FromLong(-EBADF);
	result = twin_attempt(NULL, args, count);
	leave(self);
	return result;
}

/* A number as the kernel takes it; false for what is none, or does not fit: Python says what is wrong with it. */
static int pack(char code, PyObject *thing, uint64_t *to)
{
	long long number;
	int overflow;

	if (!PyLong_Check(thing))
		return 0;
	if (code == 'Q') {
		uint64_t whole = PyLong_AsUnsignedLongLong(thing);

		if (whole == (uint64_t)-1 && PyErr_Occurred()) {
			PyErr_Clear();
			return 0;
		}
		*to = whole;
		return 1;
	}
	number = PyLong_AsLongLongAndOverflow(thing, &overflow);
	if (overflow)
		return 0;
#define FITS(type, low, high) \
	do { \
		type narrow = (type)number; \
		if (number < (low) || number > (high)) \
			return 0; \
		memcpy(to, &narrow, sizeof(narrow)); \
		return 1; \
	} while (0)
	switch (code) {
	case 'B': FITS(uint8_t, 0, UINT8_MAX);
	case 'H': FITS(uint16_t, 0, UINT16_MAX);
	case 'I': FITS(uint32_t, 0, UINT32_MAX);
	case 'b': FITS(int8_t, INT8_MIN, INT8_MAX);
	case 'h': FITS(int16_t, INT16_MIN, INT16_MAX);
	case 'i': FITS(int32_t, INT32_MIN, INT32_MAX);
	case 'q': FITS(int64_t, INT64_MIN, INT64_MAX);
	}
#undef FITS
	return 0;
}

static Py_ssize_t size_of(char code)
{
	switch (code) {
	case 'B': case 'b': return 1;
	case 'H': case 'h': return 2;
	case 'I': case 'i': return 4;
	default: return 8;
	}
}

static PyObject *unpack(char code, const uint64_t *from)
{
#define NUMBER(type, make) \
	do { \
		type narrow; \
		memcpy(&narrow, from, sizeof(narrow)); \
		return make(narrow); \
	} while (0)
	switch (code) {
	case 'B': NUMBER(uint8_t, PyLong_FromLong);
	case 'H': NUMBER(uint16_t, PyLong_FromLong);
	case 'I': NUMBER(uint32_t, PyLong_FromLongLong);
	case 'b': NUMBER(int8_t, PyLong_FromLong);
	case 'h': NUMBER(int16_t, PyLong_FromLong);
	case 'i': NUMBER(int32_t, PyLong_FromLong);
	case 'q': NUMBER(int64_t, PyLong_FromLongLong);
	default: NUMBER(uint64_t, PyLong_FromUnsignedLongLong);
	}
#undef NUMBER
}

/* With room for so many: to grow step by step would cost as much as a third of what filling it does. */
static PyObject *new_dict(Py_ssize_t count)
{
#if PY_VERSION_HEX < 0x030d0000
	return _PyDict_NewPresized(count);
#else
	return PyDict_New();
#endif
}

/* dict_of(keys, values, count, key, value) -> dict: numbers one after the other, as a batch command left them */
PyObject *twin_dict_of(PyObject *module, PyObject *args)
{
	PyObject *found = NULL;
	Py_buffer keys, values;
	const char *key, *value, *key_at, *value_at;
	Py_ssize_t count, key_size, value_size, number;

	if (!PyArg_ParseTuple(args, "y*y*nss", &keys, &values, &count, &key, &value))
		return NULL;
	key_size = size_of(key[0]);
	value_size = size_of(value[0]);
	if (count < 0 || count > keys.len / key_size || count > values.len / value_size) {
		PyErr_SetString(PyExc_ValueError, "there are not as many keys and values");
		goto release;
	}
	found = new_dict(count);
	key_at = keys.buf;
	value_at = values.buf;
	for (number = 0; found && number < count; number++) {
		uint64_t raw_key = 0, raw_value = 0;
		PyObject *name, *content;

		memcpy(&raw_key, key_at + number * key_size, key_size);
		memcpy(&raw_value, value_at + number * value_size, value_size);
		name = unpack(key[0], &raw_key);
		content = unpack(value[0], &raw_value);
		if (!name || !content || PyDict_SetItem(found, name, content) < 0)
			Py_CLEAR(found);
		Py_XDECREF(name);
		Py_XDECREF(content);
	}
release:
	PyBuffer_Release(&values);
	PyBuffer_Release(&keys);
	return found;
}

static PyObject *get_slowly(Typed *self, PyObject *thing, long error)
{
	return PyObject_CallFunction(self->slow_get, "Ol", thing, error);
}

/* get(key) -> value */
static PyObject *typed_get(Typed *self, PyObject *thing)
{
	uint64_t key = 0, value = 0;
	long result;

	if (!pack(self->key, thing, &key))
		return get_slowly(self, thing, 0);
	result = element(self->map, BPF_MAP_LOOKUP_ELEM, &key, &value, 0, ELEMENT_SIZE);
	if (result < 0)
		return get_slowly(self, thing, -result);
	return unpack(self->value, &value);
}

/* set(key, value[, flags]) */
static PyObject *typed_set(Typed *self, PyObject *const *args, Py_ssize_t count)
{
	uint64_t key = 0, value = 0, flags = 0;
	long result = 0;

	if (count != 2 && count != 3) {
		PyErr_SetString(PyExc_TypeError, "set() takes a key, a value and perhaps flags");
		return NULL;
	}
	if (count == 3 && flags_of(args[2], &flags) < 0)
		return NULL;
	if (pack(self->key, args[0], &key) && pack(self->value, args[1], &value)) {
		result = element(self->map, BPF_MAP_UPDATE_ELEM, &key, &value, flags, ELEMENT_SIZE);
		if (result >= 0)
			Py_RETURN_NONE;
	}
	return PyObject_CallFunction(self->slow_set, "OOKl", args[0], args[1], (unsigned long long)flags, -result);
}

static int typed_traverse(Typed *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(self->slow_get);
	Py_VISIT(self->slow_set);
	return 0;
}

static int typed_clear(Typed *self)
{
	Py_CLEAR(self->slow_get);
	Py_CLEAR(self->slow_set);
	return 0;
}

static void typed_dealloc(Typed *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	typed_clear(self);
	Py_CLEAR(self->map);
	type->tp_free(self);
	Py_DECREF(type);
}

static PyMethodDef typed_methods[] = {
	{"get", (PyCFunction)typed_get, METH_O, NULL},
	{"set", (PyCFunction)(void (*)(void))typed_set, METH_FASTCALL, NULL},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot typed_slots[] = {
	{Py_tp_traverse, typed_traverse},
	{Py_tp_clear, typed_clear},
	{Py_tp_dealloc, typed_dealloc},
	{Py_tp_methods, typed_methods},
	{0, NULL},
};

static PyType_Spec typed_spec = {
	.name = "ebpf._twin.Typed",
	.basicsize = sizeof(Typed),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = typed_slots,
};

/* Subscript: the base of classes whose instances have a Typed, or None, in the attribute `_typed`. Numbers go to it
 * straight from the interpreter's subscription, all else to the methods `_subscript`, `_store` and `_remove`. */

static PyTypeObject *typed_type; /* kept alive by the module */
static PyObject *names[4];
enum { TYPED, SUBSCRIPT, STORE, REMOVE };

/* The instance's Typed, a new reference, when the key is a number; NULL without an exception when it has none. */
static PyObject *typed_of(PyObject *self, PyObject *key)
{
	PyObject *typed;

	if (!PyLong_CheckExact(key))
		return NULL;
	typed = PyObject_GetAttr(self, names[TYPED]);
	if (typed && !Py_IS_TYPE(typed, typed_type))
		Py_CLEAR(typed);
	return typed;
}

static PyObject *subscript_get(PyObject *self, PyObject *key)
{
	PyObject *typed = typed_of(self, key), *value;

	if (!typed)
		return PyErr_Occurred() ? NULL : PyObject_CallMethodObjArgs(self, names[SUBSCRIPT], key, NULL);
	value = typed_get((Typed *)typed, key);
	Py_DECREF(typed);
	return value;
}

static int subscript_set(PyObject *self, PyObject *key, PyObject *value)
{
	PyObject *typed = value ? typed_of(self, key) : NULL, *args[2] = {key, value}, *done;

	if (typed) {
		done = typed_set((Typed *)typed, args, 2);
		Py_DECREF(typed);
	} else if (PyErr_Occurred()) {
		return -1;
	} else {
		done = PyObject_CallMethodObjArgs(self, names[value ? STORE : REMOVE], key, value, NULL);
	}
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static PyType_Slot subscript_slots[] = {
	{Py_mp_subscript, subscript_get},
	{Py_mp_ass_subscript, subscript_set},
	{0, NULL},
};

static PyType_Spec subscript_spec = {
	.name = "ebpf._twin.Subscript",
	.basicsize = sizeof(PyObject),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = subscript_slots,
};

/* typed(key, value, slow_get, slow_set) -> Typed */
static PyObject *map_typed(Map *self, PyObject *args)
{
	PyObject *slow_get, *slow_set;
	const char *key, *value;
	Typed *typed;

	if (!PyArg_ParseTuple(args, "ssOO", &key, &value, &slow_get, &slow_set))
		return NULL;
	typed = (Typed *)typed_type->tp_alloc(typed_type, 0);
	if (!typed)
		return NULL;
	typed->map = (Map *)Py_NewRef((PyObject *)self);
	typed->slow_get = Py_NewRef(slow_get);
	typed->slow_set = Py_NewRef(slow_set);
	typed->key = key[0];
	typed->value = value[0];
	return (PyObject *)typed;
}

static PyMethodDef map_methods[] = {
	{"attempt", (PyCFunction)(void (*)(void))map_attempt, METH_FASTCALL, NULL},
	{"close", (PyCFunction)map_close, METH_NOARGS, NULL},
	{"delete", (PyCFunction)map_delete, METH_O, NULL},
	{"hand_over", (PyCFunction)map_hand_over, METH_NOARGS, NULL},
	{"read", (PyCFunction)(void (*)(void))map_read, METH_FASTCALL, NULL},
	{"typed", (PyCFunction)map_typed, METH_VARARGS, NULL},
	{"write", (PyCFunction)(void (*)(void))map_write, METH_FASTCALL, NULL},
	{NULL, NULL, 0, NULL},
};

static PyType_Slot map_slots[] = {
	{Py_tp_new, map_new},
	{Py_tp_dealloc, map_dealloc},
	{Py_tp_methods, map_methods},
	{0, NULL},
};

static PyType_Spec map_spec = {
	.name = "ebpf._twin.Map",
	.basicsize = sizeof(Map),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = map_slots,
};

static PyTypeObject *add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
	PyObject *type = PyType_FromSpec(spec);

	if (type && PyObject_SetAttrString(module, name, type) < 0)
		Py_CLEAR(type);
	return (PyTypeObject *)type;
}

/* Once for each process: types and names are shared, and stay. */
int twin_add_elements(PyObject *module)
{
	static const char *const texts[] = {"_typed", "_subscript", "_store", "_remove"};
	PyTypeObject *map, *subscript;
	int index;

	if (typed_type) {
		PyErr_SetString(PyExc_ImportError, "ebpf._twin can be loaded once in a process");
		return -1;
	}
	for (index = 0; index < 4; index++)
		if (!(names[index] = PyUnicode_InternFromString(texts[index])))
			return -1;
	if (pthread_atfork(NULL, NULL, forked)) {
		PyErr_NoMemory();
		return -1;
	}
	map = add_type(module, "Map", &map_spec);
	subscript = add_type(module, "Subscript", &subscript_spec);
	typed_type = add_type(module, "Typed", &typed_spec);
	Py_XDECREF(map);
	Py_XDECREF(subscript);
	return map && subscript && typed_type ? 0 : -1;
}
