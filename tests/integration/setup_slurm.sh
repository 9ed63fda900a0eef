#!/usr/bin/env bash
# A Slurm of one node on this machine, from Debian packages, for tests/integration. To be run as root.
set -euo pipefail

apt-get install -y -q slurmctld slurmd slurm-client munge >/dev/null
host=$(hostname -s)
mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /run/munge
cat >/etc/slurm/slurm.conf <<CONF
ClusterName=mlpstudy
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(grep MemTotal /proc/meminfo | tr -dc 0-9) / 1100)) State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
chown munge: /run/munge
pgrep munged >/dev/null || runuser -u munge -- munged
pkill slurmctld || true
pkill slurmd || true
sleep 1
slurmctld
slurmd
for _ in $(seq 20); do
  sleep 1
  scontrol update NodeName="$host" State=RESUME 2>/dev/null || true
  if sinfo -h -o %T | grep -q -E 'idle|mixed|allocated'; then sinfo; exit 0; fi
done
sinfo
exit 1
