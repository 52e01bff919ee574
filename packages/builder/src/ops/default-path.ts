/** Where commands are looked up when neither the base nor the Dockerfile says so; Docker's value. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
