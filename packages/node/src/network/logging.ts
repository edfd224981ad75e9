import type { ComponentLogger, Logger } from '@libp2p/interface';
import type { Log } from '../observe/log.ts';

/**
 * libp2p's log within ours: its errors at level debug, nothing else. They are about peers that come and go, which the
 * network reports itself; and Noise prints session keys to a logger that is enabled, so none ever is.
 */
export function componentLogger(log: Log): ComponentLogger {
  const forComponent = (name: string): Logger => {
    const silent = (): void => undefined;
    return Object.assign(silent, {
      error: (format: unknown, ...values: unknown[]) =>
        log.debug('libp2p reports', {
          component: name,
          about: String(format),
          error: values.find((value) => value instanceof Error),
        }),
      trace: silent,
      enabled: false,
      newScope: (scope: string) => forComponent(`${name}:${scope}`),
    });
  };
  return { forComponent };
}
