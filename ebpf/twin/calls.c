/* The call itself, and many loads of one program in a row. */
#include "twin.h"

/* Attributes are 168 bytes long (6.18); a longer one is copied to the heap. */
#define ATTR_ROOM 512

static PyObject *attempt_copy(long command, const void *attr, Py_ssize_t size)
{
	unsigned char room[ATTR_ROOM];
	unsigned char *copy = room;
	long result;

	if (size > ATTR_ROOM && !(copy = PyMem_Malloc(size)))
		return PyErr_NoMemory();
	memcpy(copy, attr, size);
	Py_BEGIN_ALLOW_THREADS
	result = twin_bpf(command, copy, size);
	Py_END_ALLOW_THREADS
	if (copy != room)
		PyMem_Free(copy);
	return PyLong_FromLong(result);
}

/* attempt(command, attr) -> int */
PyObject *twin_attempt(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	Py_buffer attr;
	long command, result;

	if (count != 2) {
		PyErr_SetString(PyExc_TypeError, "attempt() takes a command and an attribute");
		return NULL;
	}
	command = PyLong_AsLong(args[0]);
	if (command == -1 && PyErr_Occurred())
		return NULL;
	if (PyBytes_Check(args[1])) /* the kernel may write into the attribute, and bytes never change */
		return attempt_copy(command, PyBytes_AS_STRING(args[1]), PyBytes_GET_SIZE(args[1]));
	if (PyObject_GetBuffer(args[1], &attr, PyBUF_WRITABLE) < 0)
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	result = twin_bpf(command, attr.buf, attr.len);
	Py_END_ALLOW_THREADS
	PyBuffer_Release(&attr);
	return PyLong_FromLong(result);
}

struct answer {
	long result;
	size_t begin, length; /* of its log among all logs */
};

struct work {
	long command;
	Py_buffer attr, insns, log;
	const int32_t *numbers;
	struct answer *answers;
	Py_ssize_t count;
	char *logs;
	size_t used, room;
	int failed; /* no memory */
};

static long load(struct work *work)
{
	long result = -EAGAIN;
	int attempt;

	/* The verifier gives up when a signal is pending (kernel/bpf/verifier.c, do_check()). */
	for (attempt = 0; attempt < 5 && result == -EAGAIN; attempt++)
		result = twin_bpf(work->command, work->attr.buf, work->attr.len);
	if (result < 0)
		return result;
	close((int)result);
	return 0;
}

static int keep_log(struct work *work, struct answer *answer)
{
	size_t length = strnlen(work->log.buf, work->log.len);
	char *more;

	if (work->used + length > work->room) {
		size_t room = 2 * (work->used + length);

		more = PyMem_RawRealloc(work->logs, room);
		if (!more)
			return -1;
		work->logs = more;
		work->room = room;
	}
	memcpy(work->logs + work->used, work->log.buf, length);
	answer->begin = work->used;
	answer->length = length;
	work->used += length;
	return 0;
}

/* All loads, without the interpreter's lock. */
static void load_all(struct work *work)
{
	Py_ssize_t number;

	for (number = 0; number < work->count && !work->failed; number++) {
		/* struct bpf_insn: code, registers, off, then imm at byte 4 */
		memcpy((char *)work->insns.buf + 4, &work->numbers[number], 4);
		if (work->log.buf)
			*(char *)work->log.buf = '\0';
		work->answers[number].result = load(work);
		if (work->log.buf && keep_log(work, &work->answers[number]) < 0)
			work->failed = 1;
	}
}

static PyObject *answers_of(struct work *work)
{
	PyObject *list = PyList_New(work->count);
	Py_ssize_t number;

	for (number = 0; list && number < work->count; number++) {
		struct answer *answer = &work->answers[number];
		PyObject *item = PyLong_FromLong(answer->result);

		if (item && work->log.buf)
			item = Py_BuildValue("Ny#", item, work->logs ? work->logs + answer->begin : "",
					     (Py_ssize_t)answer->length);
		if (!item)
			Py_CLEAR(list);
		else
			PyList_SET_ITEM(list, number, item);
	}
	return list;
}

static int32_t *numbers_of(PyObject *sequence, Py_ssize_t *count)
{
	PyObject *fast = PySequence_Fast(sequence, "the numbers are no sequence");
	int32_t *numbers;
	Py_ssize_t index;

	if (!fast)
		return NULL;
	*count = PySequence_Fast_GET_SIZE(fast);
	numbers = PyMem_Malloc(sizeof(*numbers) * (*count + 1));
	if (!numbers)
		PyErr_NoMemory();
	for (index = 0; numbers && index < *count; index++) {
		long number = PyLong_AsLong(PySequence_Fast_GET_ITEM(fast, index));

		if (!PyErr_Occurred() && (number < INT32_MIN || number > INT32_MAX))
			PyErr_SetString(PyExc_OverflowError, "an immediate has 32 bits");
		if (PyErr_Occurred()) {
			PyMem_Free(numbers);
			numbers = NULL;
		} else {
			numbers[index] = (int32_t)number;
		}
	}
	Py_DECREF(fast);
	return numbers;
}

/* try_calls(command, attr, insns, numbers[, log]) -> [result] or [(result, log)] */
PyObject *twin_try_calls(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
	struct work work = {0};
	int32_t *numbers = NULL;
	PyObject *answers = NULL;

	if (count != 4 && count != 5) {
		PyErr_SetString(PyExc_TypeError, "try_calls() takes 4 or 5 arguments");
		return NULL;
	}
	work.command = PyLong_AsLong(args[0]);
	if (work.command == -1 && PyErr_Occurred())
		return NULL;
	numbers = numbers_of(args[3], &work.count);
	if (!numbers)
		return NULL;
	work.numbers = numbers;
	if (PyObject_GetBuffer(args[1], &work.attr, PyBUF_WRITABLE) < 0)
		goto free_numbers;
	if (PyObject_GetBuffer(args[2], &work.insns, PyBUF_WRITABLE) < 0)
		goto release_attr;
	if (count == 5 && PyObject_GetBuffer(args[4], &work.log, PyBUF_WRITABLE) < 0)
		goto release_insns;
	if (work.insns.len < 8 || (count == 5 && work.log.len < 1)) {
		PyErr_SetString(PyExc_ValueError, "no instruction, or no room for a log");
		goto release_all;
	}
	work.answers = PyMem_Calloc(work.count + 1, sizeof(*work.answers));
	if (!work.answers) {
		PyErr_NoMemory();
		goto release_all;
	}
	Py_BEGIN_ALLOW_THREADS
	load_all(&work);
	Py_END_ALLOW_THREADS
	if (work.failed)
		PyErr_NoMemory();
	else
		answers = answers_of(&work);
	PyMem_RawFree(work.logs);
	PyMem_Free(work.answers);
release_all:
	if (count == 5)
		PyBuffer_Release(&work.log);
release_insns:
	PyBuffer_Release(&work.insns);
release_attr:
	PyBuffer_Release(&work.attr);
free_numbers:
	PyMem_Free(numbers);
	return answers;
}
