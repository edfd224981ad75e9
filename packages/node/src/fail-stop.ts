import { ServiceError } from './service.ts';

/** Work that writes: whatever it fails with besides a refusal is the disk's or a bug, and the node stops before it does anything else. */
export async function failStop<T>(work: Promise<T>, fatal: (error: unknown) => void): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ServiceError)) fatal(error);
    throw error;
  }
}
