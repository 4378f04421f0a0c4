// SPDX-License-Identifier: GPL-2.0-only
/*
 * As much of ethtool as the tests of the sample driver need.
 *
 *	ethtool stats IFACE	the driver's own counters, a line each
 *	ethtool restart IFACE	has the link negotiated anew
 */
#include <err.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const char *iface;

static void ask(void *command)
{
	struct ifreq request = { .ifr_data = command };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strncpy(request.ifr_name, iface, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		err(1, "%s", iface);
}

static unsigned int count_stats(void)
{
	struct {
		struct ethtool_sset_info info;
		__u32 count;
	} ask_info = {
		.info = {
			.cmd = ETHTOOL_GSSET_INFO,
			.sset_mask = 1 << ETH_SS_STATS,
		},
	};

	ask(&ask_info);
	return ask_info.count;
}

static void print_stats(void)
{
	unsigned int i, nr = count_stats();
	struct ethtool_gstrings *names;
	struct ethtool_stats *stats;

	names = calloc(1, sizeof(*names) + nr * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof(*stats) + nr * sizeof(__u64));
	if (!names || !stats)
		err(1, "calloc");
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = nr;
	ask(names);
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = nr;
	ask(stats);
	for (i = 0; i < nr; i++)
		printf("%s %llu\n", (char *)names->data + i * ETH_GSTRING_LEN,
		       stats->data[i]);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "see the top of ethtool.c");
	iface = argv[2];
	if (!strcmp(argv[1], "stats"))
		print_stats();
	else if (!strcmp(argv[1], "restart"))
		ask(&(struct ethtool_value) { .cmd = ETHTOOL_NWAY_RST });
	else
		errx(2, "see the top of ethtool.c");
	return 0;
}
