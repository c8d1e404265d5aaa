"""The same for machines that boot by themselves: what a boot loader, firmware and reboots answer.

Beside the operations of `operations.py`:

    outside reboot           the machine is rebooted
    outside KEY=VALUE        how mstconfig behaves from now on (`BootGuest.behave`)

`/root/driver.tgz`, `/root/broken.tgz` and `/root/cut.tgz` are archives with a driver: a good one,
one that does not compile, and one that was cut short.
"""

from __future__ import annotations

_DEVICE = "/sys/bus/pci/devices/$PF"
_VARIABLES = "/sys/firmware/efi/efivars"
_SECURE = f"{_VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LOADER = f"{_VARIABLES}/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
# What the lab's guests are configured with (COMMON_ARGUMENTS): a slow machine needs some of it.
_ARGUMENTS = (
    "console=ttyS0 8250.nr_uarts=1 panic=-1 quiet loglevel=5 systemd.show_status=auto "
    "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300 mitigations=off audit=0 "
    "no_timer_check tsc=reliable random.trust_cpu=on intel_iommu=off"
)
_GRUB = (
    "GRUB_DEFAULT=0\\nGRUB_TIMEOUT=0\\nGRUB_TERMINAL=console\\n"
    f'GRUB_CMDLINE_LINUX_DEFAULT="{_ARGUMENTS}"\\nGRUB_CMDLINE_LINUX=""\\n'
)
_WORDS = "intel_iommu=on iommu=pt"
_DROP_IN = (
    "# Written by eswitch: a VM can take a VF only while the IOMMU is on.\\n"
    f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {_WORDS}"\\n'
)
_UNIT = "eswitch-resume.service"
_UNIT_TEXT = (
    "[Unit]\\nConditionPathExists=/nosuch\\n[Service]\\nType=oneshot\\nExecStart=/bin/true\\n"
    "[Install]\\nWantedBy=multi-user.target\\n"
)
_MODULES = (
    "# Written by eswitch: with these a VM can take a VF.\\nvfio\\nvfio_iommu_type1\\nvfio_pci\\n"
)
_MST = "run mstconfig -d $PF"
_TREE = "/var/lib/eswitch/driver/parity"
_TAR = "run tar -xf {} -C {} --strip-components=1 --no-same-owner"
_INSTALL = f"env -C {_TREE} ./install --force --without-fw-update"

FACTS = (
    "read /proc/sys/kernel/random/boot_id",
    "list /sys/class/iommu",
    "pick DMAR,IVRS of /sys/firmware/acpi/tables",
    f"pick driver,iommu_group,sriov_totalvfs,sriov_numvfs,net of {_DEVICE}",
    f"read {_DEVICE}/sriov_totalvfs",
    f"list {_DEVICE}/iommu_group/devices",
    f"resolve {_DEVICE}/driver",
    "pick version of /sys/module/eswitchsim",
    "run modinfo -n eswitchsim",
    "pick vfio,vfio_pci,vfio_iommu_type1,eswitchsim of /sys/module",
    f"{_MST} -e q NUM_OF_VFS SRIOV_EN",
    f"run systemctl is-enabled {_UNIT}",
    "read /run/parity",
)
"""What a reboot may change."""
_ONCE = (
    f"pick SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c of {_VARIABLES}",
    f"bytes {_SECURE}",
    f"bytes {_LOADER}",
    "read /sys/kernel/security/lockdown",
    "read /etc/debian_version",
    "begin systemctl --version",
    *(
        f"which {name}"
        for name in (
            *("update-grub", "proxmox-boot-tool", "kernel-install", "dkms", "mokutil"),
            *("wget", "curl", "mstconfig", "mlxconfig", "update-initramfs"),
        )
    ),
)
_FIRMWARE = (
    f"{_MST} -e q",
    f"{_MST} q",
    f"{_MST} q SRIOV_EN",
    f"{_MST} q NOSUCH",
    f"{_MST} -e q SRIOV_EN NOSUCH",
    "run mstconfig -d 01:00.0 -e q NUM_OF_VFS",
    "run mstconfig -d 0000:09:00.0 -e q",
    f"{_MST} -y set NOSUCH=1",
    f"{_MST} -y set SRIOV_EN=1 NOSUCH=1",
    f"{_MST} -y set SRIOV_EN=2",
    f"{_MST} -y set SRIOV_EN=maybe",
    f"{_MST} -y set NUM_OF_VFS=128",
    f"{_MST} -y set NUM_OF_VFS=abc",
    f"{_MST} -y set NUM_OF_VFS=-1",
    f"{_MST} -y set NUM_OF_VFS",
    f"{_MST} -e q NUM_OF_VFS SRIOV_EN",
    "outside mode=lockdown",
    f"{_MST} -e q",
    f"{_MST} -y set SRIOV_EN=1",
    "run mstconfig -d 0000:09:00.0 -e q",
    "outside mode=normal",
    f"{_MST} -y set SRIOV_EN=True NUM_OF_VFS=5",
    "outside layout=4.21",
    f"{_MST} -e q",
    f"{_MST} q",
    f"{_MST} -y set SRIOV_EN=1 NUM_OF_VFS=3",
    f"{_MST} -y set NOSUCH=1",
    "outside layout=4.31",
    f"{_MST} -e q",
)
_DRIVER = (
    "run dkms status",
    "run modprobe eswitchsim",
    "run sha256sum /root/driver.tgz",
    "run sha256sum /root/cut.tgz",
    f"run mkdir -p {_TREE}-cut",
    f"run mkdir -p {_TREE}",
    _TAR.format("/root/cut.tgz", f"{_TREE}-cut"),
    _TAR.format("/root/broken.tgz", f"{_TREE}-nosuch"),
    _TAR.format("/root/broken.tgz", _TREE),
    f"run env -C {_TREE} ./nosuch",
    f"pick install,uninstall.sh of {_TREE}",
    f"begin {_INSTALL} --nosuch",
    f"run {_INSTALL}",
    _TAR.format("/root/driver.tgz", _TREE),
    f"run {_INSTALL} --skip-distro-check",
    "run dkms status",
    "run modinfo -n eswitchsim",
    f"resolve {_DEVICE}/driver",
)
_BOOT = (
    f"replace {_GRUB} > /etc/default/grub",
    "run update-grub",
    "first linux of /boot/grub/grub.cfg",
    f"replace {_DROP_IN} > /etc/default/grub.d/eswitch.cfg",
    "first linux of /boot/grub/grub.cfg",
    "run update-grub",
    "first linux of /boot/grub/grub.cfg",
    "first initrd of /boot/grub/grub.cfg",
    f"replace {_MODULES} > /etc/modules-load.d/eswitch.conf",
    "run modprobe -a vfio_pci vfio_iommu_type1",
    "pick vfio,vfio_pci,vfio_iommu_type1,eswitchsim of /sys/module",
    f"replace {_UNIT_TEXT} > /etc/systemd/system/{_UNIT}",
    "run systemctl daemon-reload",
    f"run systemctl enable {_UNIT}",
    "replace gone > /run/parity",
    "replace kept > /var/lib/eswitch/parity",
)
GRUB = (
    *FACTS,
    *_ONCE,
    *_FIRMWARE,
    *_BOOT,
    *_DRIVER,
    "outside reboot",
    "read /proc/cmdline",
    *FACTS,
    "read /var/lib/eswitch/parity",
    f"run systemctl is-active {_UNIT}",
    f"write 2 > {_DEVICE}/sriov_numvfs",
    "settle",
    "list /sys/bus/pci/devices/$VF0/iommu_group/devices",
    "resolve /sys/bus/pci/devices/$VF0/driver",
    "remove /etc/default/grub.d/eswitch.cfg",
    "run update-grub",
    "first linux of /boot/grub/grub.cfg",
    "remove /etc/modules-load.d/eswitch.conf",
    f"run systemctl disable {_UNIT}",
    f"remove /etc/systemd/system/{_UNIT}",
    "run systemctl daemon-reload",
    f"end env -C {_TREE} ./uninstall.sh --force",
    "run modinfo -n eswitchsim",
    f"resolve {_DEVICE}/driver",
    f"{_MST} -y set SRIOV_EN=0",
)
_UUIDS = "/etc/kernel/proxmox-boot-uuids"
PROXMOX = (
    *_ONCE,
    f"read {_UUIDS}",
    "run proxmox-boot-tool status",
    "list /boot/efi/loader/entries",
    "read /boot/grub/grub.cfg",
    f"replace $ROOT rw {_ARGUMENTS}\\n > /etc/kernel/cmdline",
    "run proxmox-boot-tool refresh",
    f"replace $ROOT rw {_ARGUMENTS} {_WORDS}\\n > /etc/kernel/cmdline",
    "run proxmox-boot-tool refresh",
    "run cp /etc/kernel/cmdline /var/lib/parity",
    "run proxmox-boot-tool status",
    "list /sys/class/iommu",
    "outside reboot",
    "read /proc/cmdline",
    "list /sys/class/iommu",
    "read /var/lib/parity",
    f"remove {_UUIDS}",
    "run proxmox-boot-tool status",
    "run proxmox-boot-tool refresh",
)
STORIES = {"grub": GRUB, "proxmox": PROXMOX}
