/** Loaded by a fleet's gates and servers before all else: they do not outlive who started them, however that ends. */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// That they listen for it is no reason to stay.
process.channel?.unref();
