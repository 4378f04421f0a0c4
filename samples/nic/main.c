// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver for the Intel 82540EM, which qemu calls e1000, with a receive ring whose pages have
 * an owner in Labyrinth. The sample is written from the programming manual, and no match for
 * the kernel's own driver of that card. This file makes a network device of a PCI device,
 * and removes the network device again.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/module.h>

#include "../../labyrinth_alloc.h"
#include "bug.h"
#include "nic.h"

static char *pages = "labyrinth";
module_param(pages, charp, 0444);
MODULE_PARM_DESC(pages, "Where the receive ring's pages come from: alloc, pool, flip, mapped, frags or labyrinth (default)");

static const struct page_source *source;

static int nic_map_registers(struct nic *nic)
{
	struct pci_dev *pdev = nic->pdev;
	int err;

	err = pci_request_regions(pdev, KBUILD_MODNAME);
	if (err)
		return err;
	nic->regs = pci_iomap(pdev, 0, 0);
	if (!nic->regs) {
		pci_release_regions(pdev);
		return -ENOMEM;
	}
	return 0;
}

static void nic_unmap_registers(struct nic *nic)
{
	pci_iounmap(nic->pdev, nic->regs);
	pci_release_regions(nic->pdev);
}

static int nic_enable(struct pci_dev *pdev)
{
	int err = pci_enable_device_mem(pdev);

	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err) {
		pci_disable_device(pdev);
		return err;
	}
	pci_set_master(pdev);
	return 0;
}

static int nic_register(struct nic *nic)
{
	struct net_device *dev = nic->dev;
	u8 addr[ETH_ALEN];
	int err;

	card_reset(nic);
	err = card_read_address(nic, addr);
	if (err)
		return err;
	eth_hw_addr_set(dev, addr);
	dev->netdev_ops = &nic_netdev_ops;
	dev->ethtool_ops = &nic_ethtool_ops;
	dev->max_mtu = NIC_MAX_MTU;
	lab_xdp_set_features(dev, source == &rx_labyrinth_source);
	netif_napi_add(dev, &nic->napi, nic_poll);
	netif_carrier_off(dev);
	return register_netdev(dev);
}

static struct nic *nic_alloc(struct pci_dev *pdev)
{
	struct net_device *dev = alloc_etherdev(sizeof(struct nic));
	struct nic *nic;

	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &pdev->dev);
	nic = netdev_priv(dev);
	nic->dev = dev;
	nic->pdev = pdev;
	nic->rx.dev = &pdev->dev;
	nic->rx.source = source;
	return nic;
}

static int nic_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nic *nic = nic_alloc(pdev);
	int err;

	if (!nic)
		return -ENOMEM;
	err = nic_enable(pdev);
	if (err)
		goto free;
	err = nic_map_registers(nic);
	if (err)
		goto disable;
	err = nic_register(nic);
	if (err)
		goto unmap;
	pci_set_drvdata(pdev, nic);
	return 0;
unmap:
	nic_unmap_registers(nic);
disable:
	pci_disable_device(pdev);
free:
	free_netdev(nic->dev);
	return err;
}

static void nic_remove(struct pci_dev *pdev)
{
	struct nic *nic = pci_get_drvdata(pdev);

	unregister_netdev(nic->dev);
	nic_unmap_registers(nic);
	pci_disable_device(pdev);
	free_netdev(nic->dev);
}

/* Not in modules.alias: modprobe by name loads this driver, the mere presence of a card not. */
static const struct pci_device_id nic_ids[] = {
	{ PCI_VDEVICE(INTEL, 0x100e) },
	{ }
};

static struct pci_driver nic_driver = {
	.name = KBUILD_MODNAME,
	.id_table = nic_ids,
	.probe = nic_probe,
	.remove = nic_remove,
};

static const struct page_source *const sources[] = {
	&rx_alloc_source, &rx_pool_source, &rx_mapped_source, &rx_labyrinth_source,
	&rx_frags_source, &rx_flip_source,
};

static int __init nic_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (sysfs_streq(pages, sources[i]->name))
			source = sources[i];
	if (!source || bug_init())
		return -EINVAL;
	return pci_register_driver(&nic_driver);
}

static void __exit nic_exit(void)
{
	pci_unregister_driver(&nic_driver);
}

module_init(nic_init);
module_exit(nic_exit);

MODULE_DESCRIPTION("Labyrinth sample: a network driver with pages of its own");
MODULE_AUTHOR("The Labyrinth developers");
MODULE_LICENSE("GPL");
LABYRINTH_IMPORT_NS();
