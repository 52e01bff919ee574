"""Runs a program on a terminal of its own and types: argv[1] is JSON {"argv", "steps": [[expect, type], ...], "rows",
"columns", "timeout"}. What the terminal showed goes to stdout, the program's exit code is ours. A step waits until
`expect` was shown after the step before it; `{"resize": [rows, columns]}` in place of text changes the size."""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

plan = json.loads(sys.argv[1])
pid, master = pty.fork()
if pid == 0:
    time.sleep(0.1)  # until the size is set
    os.execvp(plan["argv"][0], plan["argv"])


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


resize(plan.get("rows", 30), plan.get("columns", 90))
shown, since, steps, end = b"", 0, list(plan["steps"]), time.time() + plan.get("timeout", 60)
while time.time() < end:
    ready, _, _ = select.select([master], [], [], 0.1)
    if ready:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    if steps and steps[0][0].encode() in shown[since:]:
        since = len(shown)
        what = steps.pop(0)[1]
        if isinstance(what, str):
            os.write(master, what.encode())
        else:
            resize(*what["resize"])
            time.sleep(what.get("then", 0.5))
else:
    os.kill(pid, signal.SIGKILL)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
if steps:
    sys.stderr.write("never shown: %r\n" % steps[0][0])
_, status = os.waitpid(pid, 0)
sys.exit(99 if steps else os.waitstatus_to_exitcode(status) & 0xFF)
