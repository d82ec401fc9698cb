// SPDX-License-Identifier: GPL-2.0
/*
 * One mistake of each kind, made on purpose when the module is loaded: to see that
 * the debug kernel notices.  The module never stays.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *mistake = "none";
module_param(mistake, charp, 0);
MODULE_PARM_DESC(mistake, "Which one to make");

/* What the compiler must not see through. */
static int nine = 9;
module_param(nine, int, 0);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static struct {
	int entries[8];
	int behind[8];
} table;
static int shared;

static void use_after_free(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	WRITE_ONCE(memory[nine], 1);
}

static void write_behind(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	WRITE_ONCE(memory[55 + nine], 1);
	kfree(memory);
}

static void double_free(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);

	kfree(memory);
	kfree(memory);
}

static void index_beyond(void)
{
	WRITE_ONCE(table.entries[nine], 1);
}

static void shift_too_far(void)
{
	WRITE_ONCE(shared, 1 << (nine + 24));
}

static void lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static void rcu_without_lock(void)
{
	static int __rcu *pointer;

	rcu_dereference(pointer);
}

static void ring(struct timer_list *unused)
{
}

static void free_active_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, ring, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
	/* The debug kernel has taken it from its list. */
}

static void take_freed_reference(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void leak(void)
{
	static void *forgotten;
	unsigned int i;

	for (i = 0; i < 10; i++)
		WRITE_ONCE(forgotten, kmalloc(96, GFP_KERNEL));
}

static int add(void *unused)
{
	unsigned long end = jiffies + HZ;

	while (time_before(jiffies, end)) {
		shared++;
		cond_resched();
	}
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void race(void)
{
	struct task_struct *one = kthread_run(add, NULL, "one");
	struct task_struct *other = kthread_run(add, NULL, "other");

	msleep(1200);
	kthread_stop(one);
	kthread_stop(other);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "use_after_free", use_after_free },
	{ "write_behind", write_behind },
	{ "double_free", double_free },
	{ "index_beyond", index_beyond },
	{ "shift_too_far", shift_too_far },
	{ "lock_inversion", lock_inversion },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "rcu_without_lock", rcu_without_lock },
	{ "free_active_timer", free_active_timer },
	{ "take_freed_reference", take_freed_reference },
	{ "leak", leak },
	{ "race", race },
};

static int __init mistakes_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (!strcmp(mistakes[i].name, mistake))
			mistakes[i].make();
	}
	return -ENODEV;
}
module_init(mistakes_init);

MODULE_DESCRIPTION("mistakes made on purpose");
MODULE_LICENSE("GPL");
