/** A Dockerfile that changes a base in every way: its image must not depend on who builds it, nor with what. */
export const CHANGES = `FROM busybox
WORKDIR /work
RUN mkdir /d && echo keep > /d/keep && echo gone > /d/gone && mkdir /d/sub && touch /d/sub/a /d/sub/b
RUN ln -s keep /d/link && echo one > /d/first && ln /d/first /d/second && mkfifo /d/fifo
COPY --chown=33:33 --chmod=640 file.txt /d/owned.txt
COPY --chown=www-data tree/ /tree/
RUN cp /bin/busybox /suid && chmod 4755 /suid && mkdir /sticky && chmod 1777 /sticky && chown 12:34 /sticky
RUN rm /d/gone && rm -r /d/sub && mkdir /d/sub && echo new > /d/sub/c
RUN rm -r /tree && echo a file now > /tree && rmdir /home && ln -s /nowhere /home && rm /etc/os-release
COPY . /all
USER 33:33
RUN id -u > /tmp/id && umask > /tmp/umask && mkdir -p /tmp/a/b
ENV A=1
LABEL of=changes
CMD ["cat", "/tmp/id"]
`;

/** Its context. */
export const CHANGES_CONTEXT: Readonly<Record<string, string>> = {
  Dockerfile: CHANGES,
  'file.txt': 'a file\n',
  'tree/one': 'one\n',
  'tree/deep/two': 'two\n',
};
