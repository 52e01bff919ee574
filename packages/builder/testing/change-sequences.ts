/** Prints everything of the tree that a command sees, but for times of directories. */
export const LIST_TREE = `cd /; find . -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o -path ./bin -prune -o -print | sort | while read -r f; do
  if [ -L "$f" ]; then stat -c '%n %F %u:%g' "$f"; readlink "$f";
  elif [ -f "$f" ]; then stat -c '%n %F %a %u:%g %s %h' "$f"; md5sum <"$f";
  else stat -c '%n %F %a %u:%g' "$f"; fi; done`;

/** Sequences of changes; each step's result must be the same through its layer as it was for the command itself. */
export const CHANGE_SEQUENCES: Readonly<Record<string, readonly string[]>> = {
  basic: [
    'mkdir -p /usr/local/lib /home/derek; echo hosts >/etc/hosts; ln /etc/hosts /etc/hosts.allow; echo so >/usr/local/lib/libn.so; ln -s libn.so /usr/local/lib/libn.so.2; chmod 700 /home/derek',
    'echo changed >/etc/hosts; echo fstab >/etc/fstab; chmod 600 /etc/fstab; touch /etc/badfile; chmod 666 /etc/badfile; echo zsh >/home/derek/.zshrc; chmod 640 /home/derek/.zshrc',
    'rm /etc/badfile; mv /home/derek /home/notderek',
    'rm -rf /usr; rm /etc/hosts.allow',
    'rm -rf /home; mkdir -p /home/derek; chmod 700 /home/derek; echo z >/home/derek/.zshrc; ln /etc/hosts /etc/hosts.allow',
  ],
  deletion: [
    'mkdir -p /test /lib/hidden; touch /lib/hidden/f; mkdir /lib/dir',
    'echo 1 >/test/a; echo 2 >/test/b; rm -rf /lib; mkdir /lib; chmod 700 /lib; echo other >/lib/other',
    'rm /test/a; rm -rf /lib/other; echo 3 >/lib/three; mkdir /lib/hidden',
  ],
  update: [
    'mkdir -p /d1 /d2; chmod 700 /d2; echo a >/f1; echo b >/f2; echo c >/d1/f3',
    'echo longer >/f1; chmod 664 /f1; rm /f2; echo again >/f2; chmod 766 /d1/f3; chmod 777 /d1',
  ],
  hardlinks: [
    'echo 1 >/root/hosts; ln /root/hosts /root/hosts.allow',
    'echo 2 >>/root/hosts',
    'ln /root/hosts /root/hosts.zz; ln /root/hosts.allow /root/aaa',
    'rm /root/hosts; echo 3 >/root/hosts; ln /root/hosts /root/ab',
  ],
  opaque: [
    'mkdir -p /a/b/c/d /a/e; echo 1 >/a/b/c/d/f; echo 2 >/a/e/g',
    'rm -rf /a/b; mkdir -p /a/b/c; echo 3 >/a/b/c/new',
    'mkdir /a/b/c/d; echo 4 >/a/b/c/d/x; rm -rf /a/e; mkdir /a/e',
    'rm -rf /a; echo file >/a',
    'rm /a; mkdir -p /a/b/c/d',
  ],
};
