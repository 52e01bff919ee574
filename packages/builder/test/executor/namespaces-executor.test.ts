import { NamespacesExecutor } from '../../src/executor/namespaces-executor.ts';
import { blockNestedUserNamespaces } from '../../src/executor/user-namespace.ts';
import { IN_USER_NAMESPACE } from '../../testing/busybox-root.ts';
import { executorContract } from '../../testing/executor-contract.ts';

executorContract('namespaces', {
  make: (scratch) => {
    blockNestedUserNamespaces();
    return new NamespacesExecutor({ scratch });
  },
  // As root it takes a seccomp filter, which this executor has not.
  blocksUserNamespaces: IN_USER_NAMESPACE,
});
