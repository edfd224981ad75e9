import { ed25519, frost, type Scheme, type Secret, secp256k1, toHex, wipe } from '@quorate/protocol';
import { systemFiles } from '../files.ts';
import { CliError } from './exit.ts';

/** A key package has some hundred bytes. */
const maxBytes = 4_096;

/** The private key of a key that other software shared out. */
export interface Combined {
  /** Big-endian; whoever takes it wipes it. */
  readonly secret: Secret;
  /** How many of its parties had to sign. */
  readonly threshold: number;
}

/**
 * Puts the private key together from key packages in files.
 * @param publicKey of the key that is meant: for Taproot it settles what was done to the packages
 * @throws {FileUnreadable} if others may read one {@link CliError} `private-key-invalid`, which repeats nothing of them
 */
export function readKeyPackages(paths: readonly string[], scheme: Scheme, publicKey: string): Combined {
  const suite = frost.suiteOf(scheme, { ed25519, secp256k1 });
  const packages: frost.ZfKeyPackage[] = [];
  try {
    for (const path of paths) packages.push(readKeyPackage(path, suite));
    const secret = attempt(() => frost.combineZfKeyPackages(suite, packages));
    const { minSigners: threshold, verifyingKey } = packages[0] as frost.ZfKeyPackage;
    if (scheme === 'taproot' && toHex(suite.encodePublic(verifyingKey)) === publicKey) {
      secret.wipe();
      throw invalid(
        'their key is tweaked already, and no key from before the tweak follows from it; only those are kept',
      );
    }
    return { secret, threshold };
  } finally {
    for (const { signingShare } of packages) signingShare.wipe();
  }
}

function readKeyPackage(path: string, suite: frost.Ciphersuite): frost.ZfKeyPackage {
  const bytes = systemFiles.readPrivate(path, maxBytes);
  try {
    return attempt(() => frost.decodeZfKeyPackage(suite, bytes), `${path}: `);
  } finally {
    wipe(bytes);
  }
}

function attempt<T>(run: () => T, where = ''): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof frost.ZfError ? invalid(`${where}${error.message}`) : error;
  }
}

function invalid(reason: string): CliError {
  return new CliError('private-key-invalid', `the key packages make no key to import: ${reason}`);
}
