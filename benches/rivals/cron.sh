# In a mount namespace of its own, in the home of the rival: cron with no tables but ours.
mount -t tmpfs none /run
mount --bind crontabs /var/spool/cron/crontabs
mount --bind cron.d /etc/cron.d
mount --bind /dev/null /etc/crontab
exec cron -f -L 0
