// SPDX-License-Identifier: GPL-2.0
/*
 * What is on the board and cannot be found by asking it.
 */
DefinitionBlock ("", "DSDT", 2, "VQHOST", "VQVMM", 0x00000001)
{
	/* Power-off: the sleep type that legacy/power.c waits for. */
	Name (_S5, Package () { 5, 5, 0, 0 })

	/* The window above 4 GiB follows memory: boot/acpi.c writes it here. */
	OperationRegion (WNDW, SystemMemory, 0x000E0040, 0x10)
	Field (WNDW, QWordAcc, NoLock, Preserve)
	{
		WMIN, 64,
		WLEN, 64
	}

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)

			Name (RSRC, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0x100000000, 0x1FFFFFFFF, 0, 0x100000000, , , HIGH)
			})

			Method (_CRS, 0, Serialized)
			{
				CreateQWordField (RSRC, ^HIGH._MIN, HMIN)
				CreateQWordField (RSRC, ^HIGH._MAX, HMAX)
				CreateQWordField (RSRC, ^HIGH._LEN, HLEN)
				HMIN = WMIN
				HLEN = WLEN
				HMAX = WMIN + WLEN - 1
				Return (RSRC)
			}

			Device (RTC)
			{
				Name (_HID, EisaId ("PNP0B00"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0070, 0x0070, 1, 2)
				})
			}

			Device (COM1)
			{
				Name (_HID, EisaId ("PNP0501"))
				Name (_UID, 1)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x03F8, 0x03F8, 1, 8)
					IRQNoFlags () { 4 }
				})
			}

			/* The panic notifier of legacy/power.c. */
			Device (PEVT)
			{
				Name (_HID, "QEMU0001")
				Name (_STA, 0x0F)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0505, 0x0505, 1, 1)
				})
			}
		}
	}
}
