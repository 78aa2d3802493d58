/**
 * The program of a device host: a process of its own around one vendor module, which may hang or crash without taking the engine along.
 * It is deaf to the signals of the terminal and of service managers (the engine decides when it ends) and never outlives its parent.
 */
import { createLoginGuard } from '../login.ts';
import { loadNativeModule } from '../native/native-module.ts';
import { openPkcs11Device } from '../open-device.ts';
import type { OpenDevice } from './device-server.ts';
import { serveParent } from './serve-parent.ts';

const open: OpenDevice = async (setup, pin) => {
  const { name, adapter, profile, modulePath, libraryParameters, selector, sessions, home, retryPin, capabilities } =
    setup;
  const module = await loadNativeModule({
    path: modulePath,
    device: name,
    ...(libraryParameters === undefined ? {} : { libraryParameters }),
  });
  return openPkcs11Device({
    name,
    adapter,
    driver: 'pkcs11',
    module,
    profile,
    selector,
    pin,
    sessions,
    trust: 'probe',
    login: createLoginGuard({ home, device: name, retryPin }),
    onClose: async () => module.C_Finalize(),
    ...(capabilities === undefined ? {} : { capabilities }),
  });
};

serveParent(open);
