/** A device host around a simulated device: what the engine's process holds can be measured without the keys of the device. */
import { serveParent } from '../src/adapters/pkcs11/host/serve-parent.ts';
import { loadAdapters } from '../src/adapters/registry.ts';

const ADAPTERS = await loadAdapters();

serveParent(async (setup, pin) => {
  const adapter = ADAPTERS[setup.adapter];
  if (adapter === undefined) throw new Error(`no adapter ${setup.adapter}`);
  // The setup has a place for the path of a module only: here it is the settings.
  const values = JSON.parse(setup.modulePath) as Record<string, unknown>;
  return await adapter.open(
    { name: setup.name, adapter: setup.adapter, driver: 'simulated', values },
    { home: setup.home, retryPin: setup.retryPin, sessions: setup.sessions, secret: pin },
  );
});
