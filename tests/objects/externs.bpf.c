/* Externs that no kernel has, and that are not weak. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_NO_SUCH_OPTION __kconfig;
extern int LINUX_NO_SUCH_FACT __kconfig;
extern void no_such_kernel_function(void) __ksym;
extern const int no_such_kernel_variable __ksym;

SEC("socket") int option(struct __sk_buff *ctx)
{
	return CONFIG_NO_SUCH_OPTION + LINUX_NO_SUCH_FACT;
}

SEC("socket") int symbol(struct __sk_buff *ctx)
{
	no_such_kernel_function();
	return (long)&no_such_kernel_variable;
}

char LICENSE[] SEC("license") = "GPL";
