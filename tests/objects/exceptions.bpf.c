/* A program that names a function as its exception callback; it is linked without being called. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__attribute__((noinline)) int handler(unsigned long long cookie)
{
	return cookie + 1;
}

__attribute__((noinline)) int unused(int number)
{
	return number;
}

SEC("tc") __attribute__((btf_decl_tag("exception_callback:handler"))) int thrower(struct __sk_buff *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
