import { SignInPage } from '@/components/SignInPage';

export default function Page() {
  return <SignInPage />;
}
