# SPDX-License-Identifier: MIT
#
# on_terminal.py COLUMNS [-e TEXT TYPED]... -- COMMAND...: runs a command on a terminal
# of so many columns and prints what it writes there. After TEXT has come it
# types TYPED, in which \x03 is Ctrl-C. Ends with its status, or 128 and the
# number of the signal that ended it.

import fcntl
import os
import pty
import struct
import sys
import termios

arguments = sys.argv[1:]
columns = int(arguments.pop(0))
script = []
while arguments[0] == "-e":
    script.append((arguments[1].encode(),
                   arguments[2].encode().decode("unicode_escape").encode()))
    del arguments[:3]
command = arguments[1:]

pid, terminal = pty.fork()
if pid == 0:
    attributes = termios.tcgetattr(0)
    attributes[1] &= ~termios.OPOST  # "\n" stays as it is
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, attributes)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(command[0], command)

seen, at = b"", 0
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:  # it has ended
        break
    if not read:
        break
    seen += read
    while script and script[0][0] in seen[at:]:
        at = len(seen)
        os.write(terminal, script.pop(0)[1])
status = os.waitpid(pid, 0)[1]
sys.stdout.buffer.write(seen)
sys.stdout.buffer.flush()
sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status)
         else os.WEXITSTATUS(status))
