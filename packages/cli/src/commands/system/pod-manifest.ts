/** `examples/ci/kubernetes-pod.yaml`: level 3 of docs/ci.md. A test keeps the two the same. */
export const POD = `# A pod in which tsbuild may do everything, and that is harmless to its node: root of a user namespace of its own, with
# CAP_SYS_ADMIN there. Kubernetes 1.33 or later, Linux 6.3, containerd 2.0 or CRI-O 1.25. The namespace must not enforce
# the Pod Security level baseline or restricted: both refuse added capabilities.
apiVersion: v1
kind: Pod
metadata:
  name: tsbuild
spec:
  hostUsers: false # root here is nobody on the node
  restartPolicy: Never
  containers:
    - name: tsbuild
      image: node:22
      command: [sh, -c, npm install -g @tsbuild/cli && exec sleep infinity]
      env:
        - { name: TSBUILD_ROOT, value: /var/lib/tsbuild }
      securityContext:
        capabilities: { add: [SYS_ADMIN] } # mounts and namespaces
        procMount: Unmasked # a /proc of its own for each RUN
        appArmorProfile: { type: Unconfined } # the default profile forbids mounts
      volumeMounts:
        - { name: store, mountPath: /var/lib/tsbuild } # overlayfs needs a place that is not on overlayfs
  volumes:
    - { name: store, emptyDir: {} }
`;
